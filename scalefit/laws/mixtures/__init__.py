"""Mixtures of domains: losses by the shares that data are drawn in."""
