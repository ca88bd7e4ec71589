"""One function or class at a time: no process, no network, no clock of the machine."""
