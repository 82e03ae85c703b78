#!/bin/sh
# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Run on each machine as root: what cannot be copied there.
set -eu

# a repository of its own in the place of Debian's, with an upgrade to be made
mkdir -p /srv/repository
for version in 1.0 2.0; do
  package=$(mktemp -d)
  mkdir "$package/DEBIAN"
  printf 'Package: inventory-tool\nVersion: %s\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: An example\n' \
    "$version" > "$package/DEBIAN/control"
  chmod 0755 "$package"
  dpkg-deb --build "$package" "/srv/repository/inventory-tool_${version}_all.deb" > /dev/null
  rm -r "$package"
done
dpkg --install /srv/repository/inventory-tool_1.0_all.deb > /dev/null
(
  cd /srv/repository
  for file in *2.0_all.deb; do
    dpkg-deb --field "$file"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$file" "$(stat --format=%s "$file")" "$(sha256sum "$file" | cut -d' ' -f1)"
  done > Packages
)
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/repository ./' > /etc/apt/sources.list
apt-get update > /dev/null

# an async dir that anybody can write
mkdir -p /srv/open
chmod 0777 /srv/open

# a web server that the machine knows as one of the network's
mkdir -p /srv/www
cat > /etc/systemd/system/mirror.service << 'END'
[Service]
ExecStart=/usr/bin/python3 -m http.server 80 --directory /srv/www
END
echo '127.0.0.1 mirror.example.org' >> /etc/hosts

# a network whose restart ends all connections
mkdir -p /etc/network
for file in interfaces interfaces.old interfaces.new; do
  echo "# $file" > "/etc/network/$file"
done
cp /etc/network/interfaces.new /etc/network/interfaces.old /root/
cat > /usr/local/sbin/restart-network << 'END'
#!/bin/sh
systemctl stop ssh
pkill -KILL -u deploy sshd
sleep 1
systemctl start ssh
END
chmod 0755 /usr/local/sbin/restart-network
cat > /etc/systemd/system/networking.service << 'END'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/usr/local/sbin/restart-network
END
systemctl daemon-reload
systemctl start mirror networking
