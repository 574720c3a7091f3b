"""The durable engine of a cluster: NATS JetStream behind the interfaces of SQLite and files.

`connection.Connection` is opened once in each process; `queue.JetStreamQueue` and
`blobs.JetStreamBlobs` work over it. Needs nats-server 2.12 or later, with JetStream.
"""
