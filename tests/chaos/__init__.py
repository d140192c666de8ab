"""Every promise of docs/promises.md attacked: `make chaos`. A row a promise, a module a kind of attack."""
