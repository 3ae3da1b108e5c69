"""The live way: many real phones, and people in the office, against a running hub.

`target` is the hub that was named, `office` a person with a browser, `phone` a phone with its
worker, `fleet` a process full of phones, `run` the whole run from its beginning to its record.
"""
