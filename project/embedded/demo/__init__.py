"""The demo: real endpoint groups, checked over real sockets against targets of ours on loopback."""
