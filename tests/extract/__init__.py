"""Reading recordings: files with known truth, real ABF files, everything that can be wrong."""
