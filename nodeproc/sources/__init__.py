"""How to talk to the devices out there: one folder for each kind of source."""
