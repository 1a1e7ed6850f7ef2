"""Pools of data of different quality and size, seen again and again."""
