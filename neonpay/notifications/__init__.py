"""Messages to owners, buyers and programs: by six channels, once each, through restarts."""
