# Many groups and topics of one Kafka cluster, sampled each second.
if(TARGET docktor_test_kafka)
  add_executable(kafka_bench kafka_bench.cc)
  target_link_libraries(kafka_bench PRIVATE docktor_test_kafka)
endif()
