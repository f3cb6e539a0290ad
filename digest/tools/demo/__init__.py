"""How does a day look without the world? Ten invented days of papers, served over real HTTP and SMTP.

Nothing here is real: no title, no person, no vote. The ids are numbers that arXiv never reaches.
The sample is read as the real services are, by the same fetchers over loopback; there is no back door.
"""
