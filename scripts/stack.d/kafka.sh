# Apache Kafka: one process, broker and controller, from its Maven artifacts (pom.xml).
# Listeners: PLAINTEXT; SASL_SSL (SCRAM-SHA-512 and PLAIN, user evtop); PROXIED, which advertises the
# port where a test's fault proxy listens, so that a client that came through the proxy stays on it.
# shellcheck shell=bash disable=SC2154 # dir, here, root and parts are set in scripts/stack

kafka_ports() { printf '%s\n' kafka kafka_sasl kafka_proxied kafka_controller; }
kafka_address() { printf '127.0.0.1:%s' "$(port kafka)"; }
kafka_stop_signal() { printf TERM; }
kafka_settle() { :; }

kafka_need() {
  need "Java 17 or newer" openjdk-17-jre-headless -- kafka_java
  kafka_libs
}

# Sets java: JAVA_HOME's, else the one in PATH, if it is new enough.
kafka_java() {
  local version
  java=${JAVA_HOME:+$JAVA_HOME/bin/}java
  command -v "$java" >/dev/null || return 1
  version=$("$java" -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p')
  [[ -n $version && $version -ge 17 ]]
}

# Fetches the jars once for each pom.xml. Where from is Maven's own business.
kafka_libs() {
  local libs=$dir/kafka/libs
  cmp -s "$here/pom.xml" "$libs/pom.xml" && return
  need "Maven (mvn)" maven -- have mvn
  say "fetching Kafka's artifacts with mvn"
  rm -rf "$libs.new"
  mkdir -p "$libs.new"
  mvn -B -q -Dstyle.color=never -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$libs.new" >"$dir/log/mvn.log" 2>&1 </dev/null 9>&- ||
    fail 3 "mvn could not fetch Kafka's artifacts: $(grep -m1 -o 'ERROR.*' "$dir/log/mvn.log")"
  cp "$here/pom.xml" "$libs.new/pom.xml"
  rm -rf "$libs"
  mv "$libs.new" "$libs"
}

# A Java program that runs for a moment: quick to start, small; ended after `limit` seconds if that is set.
# kafka_java_run CLASS ARGS...
kafka_java_run() {
  kafka_java || fail 3 "Java 17 or newer is missing; scripts/stack up says what to install."
  [[ -d $dir/kafka/libs ]] || fail 3 "Kafka's artifacts are not there yet; fetch them with: scripts/stack up"
  ${limit:+timeout "$limit"} "$java" -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile="$here/log4j2-tools.properties" \
    -cp "$dir/kafka/libs/*" "$@"
}

kafka_prepare() {
  local data=$dir/data/kafka id
  mkdir -p "$data"
  (
    umask 077
    kafka_server_properties >"$dir/conf/kafka.properties"
    kafka_client_properties >"$dir/conf/kafka-sasl-client.properties"
  )
  [[ ! -s $data/meta.properties ]] || return 0
  rm -rf "${data:?}"/*
  id=$(openssl rand -base64 16 | tr '+/' '-_' | tr -d '=\n')
  kafka_java_run kafka.tools.StorageTool format --cluster-id="$id" --config "$dir/conf/kafka.properties" \
    --add-scram "SCRAM-SHA-512=[name=evtop,password=$(secret kafka)]" >"$dir/log/kafka-format.log" 2>&1 9>&- ||
    fail 1 "Kafka's storage could not be formatted: $(tail -n 3 "$dir/log/kafka-format.log")"
}

kafka_server_properties() {
  cat <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$(port kafka_controller)
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listeners=PLAINTEXT://127.0.0.1:$(port kafka),SASL_SSL://127.0.0.1:$(port kafka_sasl),PROXIED://127.0.0.1:$(port kafka_proxied),CONTROLLER://127.0.0.1:$(port kafka_controller)
advertised.listeners=PLAINTEXT://127.0.0.1:$(port kafka),SASL_SSL://127.0.0.1:$(port kafka_sasl),PROXIED://127.0.0.1:$(port kafka_proxy)
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location=$dir/tls/server.pem
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_evtop="$(secret kafka)";
log.dirs=$dir/data/kafka
auto.create.topics.enable=false
message.max.bytes=9437184
replica.fetch.max.bytes=9437184
# One broker can't replicate; few partitions of its own topics keep the start short.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
offsets.topic.segment.bytes=1048576
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
# A killed broker may come back only when its session is over: 3 s instead of 9.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# What tests would wait for too long by default.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=500
log.initial.task.delay.ms=500
log.retention.check.interval.ms=1000
log.segment.delete.delay.ms=1000
log.cleaner.backoff.ms=1000
log.cleaner.dedupe.buffer.size=16777216
CONF
}

kafka_client_properties() {
  cat <<CONF
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="evtop" password="$(secret kafka)";
ssl.truststore.type=PEM
ssl.truststore.location=$dir/tls/ca.pem
CONF
}

kafka_run() {
  spawn kafka "$java" -Xms128m -Xmx"${EVTOP_STACK_KAFKA_HEAP:-512m}" -XX:+UseG1GC -XX:MaxGCPauseMillis=20 \
    -Djava.awt.headless=true -Dlog4j2.configurationFile="$here/log4j2.properties" -Dstack.log="$dir/log/kafka.log" \
    -cp "$dir/kafka/libs/*" kafka.Kafka "$dir/conf/kafka.properties"
}

# An admin call on either listener, both at once: each is a Java program of its own.
kafka_answers() {
  local role plain
  for role in kafka kafka_sasl; do port_answers "$(port $role)" || return 1; done
  kafka_lists "$(port kafka)" &
  plain=$!
  kafka_lists "$(port kafka_sasl)" --command-config "$dir/conf/kafka-sasl-client.properties" || { wait "$plain"; return 1; }
  wait "$plain"
}

kafka_lists() {
  local at=$1
  shift
  limit=30 kafka_java_run org.apache.kafka.tools.TopicCommand --bootstrap-server "127.0.0.1:$at" --list "$@" \
    >/dev/null 2>>"$dir/log/kafka-answers.log" 9>&-
}

# Kafka's tools by the names of its own scripts; all but some are told where the broker is.
kafka_tool() {
  local name=${1-} class at=()
  (($# > 0)) && shift
  class=$(kafka_class "$name") || fail 2 "scripts/stack knows no tool \"$name\"; it has: $(kafka_classes | awk '{print $1}' | paste -sd' ')"
  [[ $name == kafka-dump-log || " $*" == *" --bootstrap-"* || " $*" == *" --help"* ]] ||
    at=(--bootstrap-server "127.0.0.1:$(port kafka)")
  kafka_java_run "$class" "${at[@]}" "$@"
}

kafka_class() { kafka_classes | awk -v name="$1" '$1 == name { print $2; found = 1 } END { exit !found }'; }

kafka_classes() {
  cat <<'TABLE'
kafka-topics            org.apache.kafka.tools.TopicCommand
kafka-consumer-groups   org.apache.kafka.tools.consumer.group.ConsumerGroupCommand
kafka-configs           kafka.admin.ConfigCommand
kafka-get-offsets       org.apache.kafka.tools.GetOffsetShell
kafka-delete-records    org.apache.kafka.tools.DeleteRecordsCommand
kafka-console-producer  org.apache.kafka.tools.ConsoleProducer
kafka-console-consumer  org.apache.kafka.tools.consumer.ConsoleConsumer
kafka-transactions      org.apache.kafka.tools.TransactionsCommand
kafka-dump-log          org.apache.kafka.tools.DumpLogSegments
TABLE
}

kafka_env() {
  say EVTOP_STACK_BROKERS "127.0.0.1:$(port kafka)"
  say EVTOP_STACK_BROKERS_SASL "127.0.0.1:$(port kafka_sasl)"
  say EVTOP_STACK_BROKERS_PROXIED "127.0.0.1:$(port kafka_proxy)"
  say EVTOP_STACK_BROKERS_BEHIND_PROXY "127.0.0.1:$(port kafka_proxied)"
  say EVTOP_STACK_SASL_USER evtop
  say EVTOP_STACK_SASL_PASSWORD "$(secret kafka)"
}
