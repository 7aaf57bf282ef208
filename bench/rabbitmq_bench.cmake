# Many queues of one RabbitMQ server, sampled each second.
if(TARGET docktor_test_rabbitmq)
  add_executable(rabbitmq_bench rabbitmq_bench.cc)
  target_link_libraries(rabbitmq_bench PRIVATE docktor_test_rabbitmq)
endif()
