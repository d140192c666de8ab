"""The reducers, one file each, behind ``interface.Reducer``.

A reducer's module is imported only when it is used: umap-learn alone takes seconds to import.
"""
