"""MooTube: workout videos by cows, for everybody."""
