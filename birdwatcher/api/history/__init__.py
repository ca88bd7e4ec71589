"""What the daemon recorded of nodes: rejected packets and changes of state."""
