"""The kinds of problem files, one file each; each registers itself."""
