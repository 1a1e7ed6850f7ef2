"""`python -m scalefit`, where the script is not on the path."""

from .cli import main

main()
