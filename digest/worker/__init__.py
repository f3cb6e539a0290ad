"""Workers: any number of machines share the day's work as jobs in PostgreSQL.

    tick      once a minute: enqueue `ingest` if the sources are due, else a `plan` for each shard
    ingest    fetch the sources, then tick again
    plan      rank and queue the editions of one shard of a thousand subscribers
    pump      send what is queued; as many at once as there are workers, one at once for a waiting notice
    bounces   read the mailbox to which bounces return
    reread    continue the backlog of a new embedding model

A job that is lost, late or done twice changes nothing: what is due, planned and sent stands in the
application's own tables. `tasks` has the bodies of the jobs, `queues` the job queues, `worker` the process.
"""
