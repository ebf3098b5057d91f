"""What a neuron or a synapse is: one mechanism a file, each reads like its paper."""
