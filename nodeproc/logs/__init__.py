"""Log lines of all processes: whole, in one place, and naming the process that writes them."""
