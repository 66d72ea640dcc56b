"""maxdot on Ray: `maxdot.ray.serve` answers from shards of a catalogue, each with replicas, behind Ray Serve.

It needs Ray: pip install 'maxdot[ray]'. Nothing else in maxdot imports it.
"""
