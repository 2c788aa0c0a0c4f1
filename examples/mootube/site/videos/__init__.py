"""The videos, their tags, and what a visitor sees of them."""
