"""Roads in and out of a hospital, one file each."""
