"""The soak: hours of flapping in minutes, and nothing of it stays.

`flapper` and `field` are nodes that come and go as fast as they are called, `gardener` changes the
node table and kills processes, `census` counts what the daemon holds, and `verdict` says whether
that is flat. `quick` is the daemon, with shorter pauses.
"""
