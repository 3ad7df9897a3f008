"""Who belongs to a group or a channel, for how long, and which bots hear them."""
