#!/bin/sh
# Makes the two images that the Dockerfile begins with from Debian's packages and the npm package `node`, for where no
# base image can be had. As root on Debian, with buildah, mmdebstrap and npm:
#
#   sh deploy/docker/debian-base.sh
#   buildah build -f deploy/docker/Dockerfile --format docker -t kinora \
#     --build-arg BASE_IMAGE=localhost/kinora-base --build-arg RUNTIME_IMAGE=localhost/kinora-runtime .
#
# localhost/kinora-base     Debian's essential packages, Node, npm: packages are installed in it.
# localhost/kinora-runtime  libc, libstdc++, Node and nothing else, no shell: the program runs in it.
# Both are of this machine's architecture. Needs about 600 MB in $TMPDIR while it runs.
set -eu

suite=${1:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The Node of the lock file; its package brings the platform's binary when it is installed.
node=$(sed -n 's/^ *"node": "\([0-9.]*\)".*/\1/p' "$root/package.json")
mkdir "$work/npm" "$work/debs" "$work/runtime"
echo "{}" >"$work/npm/package.json" # else npm looks for one further up
(cd "$work/npm" && npm install --no-audit --no-fund --loglevel=error --no-save "node@$node" npm@11 >&2)
# Which npm allows a package's script differs; this one is what we came for.
[ -x "$work/npm/node_modules/node/bin/node" ] ||
  (cd "$work/npm/node_modules/node" && node installArchSpecificPackage.js >&2)

mmdebstrap --quiet --variant=essential --include=libstdc++6,ca-certificates \
  --customize-hook="mkdir -p \"\$1/usr/local/lib/node_modules\"" \
  --customize-hook="copy-in $work/npm/node_modules/npm /usr/local/lib/node_modules" \
  --customize-hook="copy-in $work/npm/node_modules/node/bin/node /usr/local/bin" \
  --customize-hook="ln -s ../lib/node_modules/npm/bin/npm-cli.js \"\$1/usr/local/bin/npm\"" \
  "$suite" "$work/base.tar"

(cd "$work/debs" && apt-get -qq -o APT::Sandbox::User=root download base-files netbase tzdata libc6 libgcc-s1 libstdc++6)
for package in "$work"/debs/*.deb; do dpkg-deb --extract "$package" "$work/runtime"; done
rm -rf "$work/runtime/usr/share/doc" "$work/runtime/usr/share/man" "$work/runtime/usr/share/lintian"
mkdir -p "$work/runtime/usr/local/bin" "$work/runtime/tmp"
chmod 1777 "$work/runtime/tmp"
cp "$work/npm/node_modules/node/bin/node" "$work/runtime/usr/local/bin/node"
tar --create --numeric-owner --owner=0 --group=0 --directory "$work/runtime" --file "$work/runtime.tar" .

for name in base runtime; do
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$work/$name.tar" / >/dev/null
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  buildah commit --quiet --format docker --rm "$container" "localhost/kinora-$name" >/dev/null
  echo "localhost/kinora-$name"
done
