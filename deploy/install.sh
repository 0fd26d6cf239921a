#!/bin/sh
# Installs a wheel on Debian 12 or newer: packages, an account of its own, /opt/triptych, the services.
# Run as root, from a clone or an unpacked release:  deploy/install.sh triptych-0.1.0-py3-none-any.whl
# It may be run again: to upgrade, with the newer wheel. Nothing in /etc/triptych is overwritten.
set -eu

wheel=$(realpath "${1:?the wheel to install, from dist/}")
here=$(cd "$(dirname "$0")" && pwd)
prefix=/opt/triptych

apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  ca-certificates nginx openssl python3 python3-venv >/dev/null

id triptych >/dev/null 2>&1 ||
  useradd --system --home-dir /var/lib/triptych --shell /usr/sbin/nologin triptych
install -d -m 0700 -o triptych -g triptych /var/lib/triptych /var/backups/triptych
install -d -m 0750 -o root -g triptych /etc/triptych /etc/triptych/tls

# Into a folder of its own, put in place when it is whole: a failed upgrade leaves what there was.
python3 -m venv "$prefix.new"
# Some indices give PyTorch with CUDA: TORCH_INDEX names one that has CPU builds.
if [ -n "${TORCH_INDEX:-}" ]; then
  "$prefix.new/bin/pip" install --quiet --disable-pip-version-check --index-url "$TORCH_INDEX" \
    "$(grep '^torch==' "$here/../constraints.txt")"
fi
"$prefix.new/bin/pip" install --quiet --disable-pip-version-check \
  -c "$here/../constraints.txt" "$wheel"
rm -rf "$prefix.before"
if [ -e "$prefix" ]; then mv "$prefix" "$prefix.before"; fi
mv "$prefix.new" "$prefix"
# The commands of an environment name its folder in their first line.
grep -rlI "^#!$prefix.new/bin/python" "$prefix/bin" | xargs -r sed -i "1s|$prefix.new|$prefix|"

[ -e /etc/triptych/page.env ] || install -m 0644 "$here/page.env" /etc/triptych/page.env
for file in receive.toml send.toml; do
  [ -e "/etc/triptych/$file" ] ||
    install -m 0640 -g triptych "$here/$file" "/etc/triptych/$file"
done
if [ ! -e /etc/triptych/metrics-token ]; then
  (umask 077 && openssl rand -hex 24 >/etc/triptych/metrics-token)
fi
install -m 0644 "$here"/systemd/triptych-*.service "$here"/systemd/triptych-*.timer \
  /etc/systemd/system/
if [ ! -e /etc/nginx/sites-available/triptych ]; then
  install -m 0644 "$here/nginx/triptych.conf" /etc/nginx/sites-available/triptych
fi
ln -sf "$prefix/bin/triptych" /usr/local/bin/triptych
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
echo "Installed: $("$prefix/bin/triptych" --version). Next: docs/operations.md"
