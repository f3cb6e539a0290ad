"""Sources of papers and attention: a polite HTTP client, and one module per source with a pure `parse`.

    config = SourceConfig(sources=("arxiv", "huggingface"), arxiv_rss_url=...)  # settings of the same names
    policy = ClientPolicy(user_agent="digest/1 (+https://...; mailto:...)", intervals={"arxiv": 3.1})
    async with Client(policy, trusted_urls=config.trusted_urls) as client:
        for source in build_sources(config):  # in this order; store the results of each before the next
            context = FetchContext(client=client, now=now, find_existing=find_existing, states=states)
            for result in await fetch_source(source, context):
                ...  # papers, signals, health, a note for people

`find_existing(ids)` returns the ids that are stored; `states` maps a scope of this source to its FetchState.
`fetch_source` never raises SourceError: a source or category that fails is a FetchResult with health FAILED
or CHANGED whose note is a sentence.
"""
