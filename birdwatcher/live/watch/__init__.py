"""The program that follows the birds of a web UI, wherever that runs: `./manage.py watchbirds`.

It knows the address and the messages, and nothing of the database.
"""
