"""Workdirs and images on remote storage, of which runs work in a copy on this machine."""
