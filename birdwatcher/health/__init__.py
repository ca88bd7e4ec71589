"""Judge from the database, on any host, whether all is well."""
