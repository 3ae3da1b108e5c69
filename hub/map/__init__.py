"""The offline map: basemap, addresses and travel times from a region's own file.

Holds everything that turns an OpenStreetMap extract into a picture, a gazetteer and a road graph,
and everything that reads these three back. It does not hold jobs, workers or pages.

Invariant: nothing here asks a network for anything; what is installed is complete and verified, or
it is not installed.
"""
