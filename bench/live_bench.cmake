# One load on real workers and in the simulator.
add_executable(live_bench live_bench.cc)
target_compile_definitions(live_bench PRIVATE DOCKTOR_BINARY="$<TARGET_FILE:docktor>" DOCKTOR_WORKER="$<TARGET_FILE:consumer>"
                                              DOCKTOR_TRACES="${CMAKE_SOURCE_DIR}/bench/traces")
target_link_libraries(live_bench PRIVATE docktor_test_support docktor_sim)
add_dependencies(live_bench docktor consumer)
