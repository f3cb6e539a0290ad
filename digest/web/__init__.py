"""The web application: public pages, personal pages behind signed links, JSON API and administration.

Every page works without JavaScript.
"""
