"""The steps of a flow, a verb each. The only room of tasks that knows Prefect."""
