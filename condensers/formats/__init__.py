"""Sets in the formats that others publish and read: `reading` and `assembling` bring one in;
`harness.sets.exporting` takes one out.

A file of others is data and nothing more: none of its bytes is ever run, and none of its declared
sizes is believed unchecked.
"""
