"""`python -m synsim`."""

from synsim.cli import main

raise SystemExit(main())
