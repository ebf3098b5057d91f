"""The documentation site: its links, its pages in a browser, and the commands on them."""
