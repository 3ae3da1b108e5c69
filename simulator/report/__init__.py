"""Reports of simulated runs: what was simulated, what came of it, and what was wrong.

`record` is what a run writes down (JSON), `page` draws it as one file of HTML, `compare` two of
them side by side; `writing` makes files of them. `contents` and `comparing` put in order what is
said, `charts`, `places` and `scales` draw it, `amounts` are its numbers in words.
"""
