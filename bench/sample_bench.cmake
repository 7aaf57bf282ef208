# Reading many consumers through one connection.
add_executable(sample_bench sample_bench.cc)
target_link_libraries(sample_bench PRIVATE docktor_queue_nats docktor_test_support)
