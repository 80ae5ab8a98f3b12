"""The gate: checks what dbt offers, writes the published database, refuses rather than repairs."""
