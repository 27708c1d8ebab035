"""Packages that prove themselves, and their deposits in archives."""
