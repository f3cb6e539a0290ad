#!/bin/sh
# Dump the database every night into /backups, verify each dump, keep the last KEEP (14).
# Off-site: mount /backups read-only into a container of rclone or restic, or set AFTER_BACKUP to a command
# that gets the file's path. Once: RUN_ONCE=1.
set -eu
umask 077
keep=${KEEP:-14}
folder=${FOLDER:-/backups}

back_up() {  # the steps are joined by &&: the shell ignores `set -e` in what is followed by ||
  file="$folder/digest-$(date -u +%Y-%m-%dT%H%M%SZ).dump"
  pg_dump --format=custom --file="$file.part" &&
  pg_restore --file=/dev/null "$file.part" &&  # reads all of it
  mv "$file.part" "$file" || { rm -f -- "$file.part"; return 1; }
  ls -1 "$folder"/digest-*.dump | sort -r | tail -n "+$((keep + 1))" | while read -r old; do rm -- "$old"; done
  if [ -n "${AFTER_BACKUP:-}" ]; then "$AFTER_BACKUP" "$file" || return 1; fi
  echo "backed up to $file"
}

while :; do
  back_up || { echo "the backup failed" >&2; [ -z "${RUN_ONCE:-}" ] || exit 1; }
  [ -z "${RUN_ONCE:-}" ] || exit 0
  sleep 86400
done
