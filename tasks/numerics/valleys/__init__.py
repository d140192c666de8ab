"""Whether density sinks between two sets of rows: graph, bridge, axis, dip, depth."""
