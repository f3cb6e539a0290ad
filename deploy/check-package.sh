#!/bin/sh
# Build wheel and sdist, install each into an empty environment and run the demo there. Usage: check-package.sh PYTHON
set -eu
cd "$(dirname "$0")/.."
python=${1:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m venv "$work/build"
"$work/build/bin/pip" install --quiet --disable-pip-version-check build
"$work/build/bin/python" -m build --outdir dist . >"$work/build.log" || { cat "$work/build.log"; exit 1; }

for package in dist/trending_papers_digest-*.whl dist/trending_papers_digest-*.tar.gz; do
  environment="$work/$(basename "$package")"
  "$python" -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check "$package"
  for command in digest trending-papers-digest; do
    (cd "$work" && "$environment/bin/$command" --version)
  done
  (cd "$work" && "$environment/bin/digest" demo --out "$environment/demo" | tail -n 3)
  test -s "$environment/demo/index.html"
done
echo "wheel and sdist install and run"
