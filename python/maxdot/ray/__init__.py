"""maxdot on Ray: `maxdot.ray.serve` answers from shards of a catalogue behind Ray Serve.

It needs Ray: pip install 'maxdot[ray]'. Nothing else in maxdot imports it.
"""
