"""Our own questions to name servers: sockets, deadlines and policy are ours, dnspython reads what stands in records."""
