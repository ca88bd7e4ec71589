"""The client `./manage.py watchbirds`, which follows the birds of a web UI, here or elsewhere.

It knows the address and the messages, and nothing of the database.
"""
