"""Endpoints: the list of them, and what can be seen and changed of one."""
