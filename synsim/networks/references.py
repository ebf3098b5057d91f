"""What networks that learn are built on."""

KINGMA = "Kingma, Salimans & Welling 2015, NeurIPS 28 (local reparameterisation), arXiv:1506.02557"
ADAM = "Kingma & Ba 2015, ICLR (Adam), arXiv:1412.6980"
OWEN = "Owen 2007, Ann Appl Stat 1:386 (pigeonhole bootstrap), doi:10.1214/07-AOAS122"
BLUNDELL = (
    "Blundell, Cornebise, Kavukcuoglu & Wierstra 2015, ICML (Bayes by backprop), arXiv:1505.05424"
)
WAN = "Wan, Zeiler, Zhang, LeCun & Fergus 2013, ICML (DropConnect), PMLR 28:1058"
SRIVASTAVA = (
    "Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, JMLR 15:1929 (dropout)"
)
