"""The demo: ten invented days of papers, served over real HTTP and mailed over real SMTP, without a network.

Nothing here is real: no title, no person, no vote. The ids are numbers that arXiv never reaches.
The dataset is read by the product's own fetchers over loopback, as the real services are.
"""
